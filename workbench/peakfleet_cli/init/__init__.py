"""`peakfleet init`: a small app of one's own that synthesizes and passes its tests at once.

`command` asks and tells, `starter` writes the files, whose templates lie in the folder `starter`.
"""

from peakfleet_cli.init.command import init

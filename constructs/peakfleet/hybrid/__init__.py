"""The company's own side: who may report for it, and the way between it and the fleets.

In: a certificate authority or a link of the company, and a VPC. Out: a role that may publish one
namespace, and routes, endpoints and rules for both sides; and a name that leads to either.

Read `identity` first, then `network` and `weighted_records`. None knows of fleets.
"""

from peakfleet.hybrid.identity import ReporterIdentity, ReporterTrust
from peakfleet.hybrid.network import HybridNetwork, Link
from peakfleet.hybrid.weighted_records import OwnRecord, WeightedRecords

"""Pictures of the documentation site are drawn by a script of its own: nothing is loaded from afar.

`mkdocs.yml` names this file. `make docs` puts the script into `.venv/docs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_SCRIPT = Path(__file__).parents[2] / ".venv" / "docs" / "mermaid.min.js"
_PLACE = "assets/mermaid.min.js"


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401  the site's, by the name of its settings
    """Add the script to the site."""
    files.append(File.generated(config, _PLACE, abs_src_path=str(_SCRIPT)))
    return files


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ANN401  as above
    """Load the script on pages with a picture, before the theme looks for one elsewhere."""
    del config
    if 'class="mermaid"' not in output:
        return output
    up = "../" * page.url.count("/")
    return output.replace("</head>", f'<script src="{up}{_PLACE}"></script></head>', 1)

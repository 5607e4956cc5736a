"""Help that shows what can be typed: a switch takes no value, and a usage line names no helper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object


class _Readable(_Base):
    """What commands and groups have in common."""

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401  the library keeps its types to itself
        """Return the parameters; without a metavar the library shows `<bool>` beside a switch."""
        found = super().get_params(ctx)
        for one in found:
            if getattr(one, "is_flag", False):
                one.metavar = ""
        return found

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401  as above
        """Return the words of the usage line; the library shows arguments that are hidden too."""
        hidden = {
            piece
            for one in self.get_params(ctx)
            if getattr(one, "hidden", False)
            for piece in one.get_usage_pieces(ctx)
        }
        return [piece for piece in super().collect_usage_pieces(ctx) if piece not in hidden]


class Command(_Readable, TyperCommand):
    """A command with such help."""


class Group(_Readable, TyperGroup):
    """A group of commands with such help."""

"""What both towers share: which of their blocks train, and how deep each parameter lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from funduscope.errors import ConfigError
from funduscope.model.settings import Trained

if TYPE_CHECKING:
    from funduscope.model.dual_encoder import DualEncoder


class Tower(nn.Module):
    """One encoder of the two.

    Attributes:
        width: channels of its features.
        blocks: its layers from input to output; what lies before them (stem, embeddings) and
            behind them (last normalization) is registered in that order.
        spec: plain data from which the same tower can be made again, without its weights.
        trained: "full", "frozen", or the number of blocks at the top that train.
    """

    width: int
    blocks: Sequence[nn.Module]
    spec: Mapping[str, Any]
    trained: Trained = "full"

    @property
    def frozen(self) -> bool:
        """Whether no parameter of it trains."""
        return self.trained == "frozen"

    def train_blocks(self, trained: Trained, *, place: str) -> None:
        """Let all of the tower train, nothing, or the last n blocks and what follows them.

        Args:
            trained: "full", "frozen" or n.
            place: the setting, for the error.

        Raises:
            ConfigError: the tower has fewer than n blocks.
        """
        if isinstance(trained, int) and not 1 <= trained <= len(self.blocks):
            raise ConfigError(
                trained,
                place=place,
                rule=f"full, frozen, or a number of blocks from 1 to {len(self.blocks)}",
                remedy="choose a number in that range",
            )
        self.trained = trained
        unused = set(self.unused())
        for name, depth in self.depths().items():
            wanted = trained == "full" or (isinstance(trained, int) and depth < trained)
            self.get_parameter(name).requires_grad_(wanted and name not in unused)
        self.train(self.training)

    def unused(self) -> list[str]:
        """Names of parameters that the features do not depend on; they never train."""
        return []

    def depths(self) -> dict[str, int]:
        """How many blocks lie above each parameter: 0 in the last block and behind it."""
        count = len(self.blocks)
        above = {
            id(parameter): count - 1 - number
            for number, block in enumerate(self.blocks)
            for parameter in block.parameters()
        }
        found: dict[str, int] = {}
        depth = count
        for name, parameter in self.named_parameters():
            if id(parameter) in above:
                found[name] = above[id(parameter)]
                depth = 0
            else:
                found[name] = depth
        return found

    def train(self, mode: bool = True) -> Tower:
        """Parts that do not train stay in evaluation mode: no dropout, statistics kept."""
        super().train(mode and not self.frozen)
        if self.training and isinstance(self.trained, int):
            for block in self.blocks[: -self.trained]:
                block.eval()
        return self


def depth_of(encoder: DualEncoder) -> dict[str, tuple[str, int]]:
    """Each parameter of an encoder -> ("image", "text" or "head", blocks that lie above it).

    A layer-wise rate is `rate * decay ** depth` (Clark et al., ICLR 2020): 0 in the last block and
    behind it, the number of blocks in what precedes the first; projections and scale are "head".
    """
    found = {name: ("head", 0) for name, _ in encoder.named_parameters()}
    for side, tower in (("image", encoder.image), ("text", encoder.text)):
        found |= {f"{side}.{name}": (side, depth) for name, depth in tower.depths().items()}
    return found

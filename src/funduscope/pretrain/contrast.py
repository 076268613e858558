"""What compares photographs and texts: projections, scale and the heads of an objective.

It works on the pooled features of the whole global batch, on every rank alike, so that the loss
does not depend on how the towers' work was divided.

Shapes: B units, E eyes a unit (1, or 2 for `patient`), T distinct texts, C and W features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from funduscope.model import DualEncoder
from funduscope.pretrain import health, objectives
from funduscope.pretrain.plan import Batch
from funduscope.pretrain.settings import PretrainSettings

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """The loss of a batch and the health of its unit vectors."""

    loss: Tensor
    health: dict[str, float]


class Contrast(nn.Module):
    """The loss of a global batch from its features.

    The projections and the scale are those of the encoder and are released with it; what only the
    objective needs (the bias of `sigmoid`, the patient heads) stays in the run.
    """

    def __init__(self, encoder: DualEncoder, settings: PretrainSettings) -> None:
        super().__init__()
        self.encoder = _Projections(encoder)
        self.settings = settings
        dim = encoder.image_projection.out_features
        if settings.objective == "sigmoid":
            self.bias = nn.Parameter(torch.tensor(-10.0))  # SigLIP: most pairs do not belong
        if settings.named:
            self.named_log_scale = nn.Parameter(torch.tensor(10.0).log())
            self.named_bias = nn.Parameter(torch.tensor(-1.0))
        if settings.objective == "patient":
            self.patient_image = nn.Linear(encoder.image.width, dim, bias=False)
            self.patient_text = nn.Linear(encoder.text.width, dim, bias=False)

    def forward(
        self,
        image_BEC: Tensor,
        text_TW: Tensor,
        batch: Batch,
        teacher: tuple[Tensor, Tensor] | None = None,
        names_KW: Tensor | None = None,
    ) -> Compared:
        """Loss and health.

        Args:
            image_BEC: pooled features of the photographs, zeros where an eye is missing.
            text_TW: features of the distinct texts.
            batch: which texts are true of which photograph, what the reports say.
            teacher: unit vectors (B, E, D') and (T, D') of a teacher, to be mimicked.
            names_KW: features of the names asked and of `normal`, if the loss `named` is on.
        """
        there_BE = torch.from_numpy(batch.rows_BE >= 0).to(image_BEC.device)
        text_TW, names_KW = self._reworded(text_TW, names_KW, batch)
        image_BED = functional.normalize(self.encoder.image(image_BEC), dim=-1)
        text_TD = functional.normalize(self.encoder.text(text_TW), dim=-1)
        match_BET = torch.from_numpy(batch.match_BET).to(image_BED)
        logits_BET = self.encoder.scale * image_BED @ text_TD.T
        loss = self._loss(logits_BET, match_BET, there_BE, image_BEC, text_TW, batch)
        if teacher is not None and self.settings.distill:
            theirs_BET = teacher[0] @ teacher[1].T
            mimicked = objectives.distill(
                logits_BET[there_BE], self.encoder.scale.detach() * theirs_BET[there_BE], 1.0
            )
            loss = loss + self.settings.distill * mimicked
        if names_KW is not None:
            asked = self._named(image_BED[there_BE], names_KW, batch)
            loss = loss + self.settings.named * asked
        with torch.no_grad():
            measured = self._health(image_BED, text_TD, logits_BET, match_BET, there_BE)
        return Compared(loss, measured)

    def _loss(
        self,
        logits_BET: Tensor,
        match_BET: Tensor,
        there_BE: Tensor,
        image_BEC: Tensor,
        text_TW: Tensor,
        batch: Batch,
    ) -> Tensor:
        s = self.settings
        if s.objective == "patient":
            logits_BP, match_BP = self._patients(image_BEC, there_BE, text_TW, batch)
            return objectives.patient(
                logits_BET.transpose(0, 1),
                match_BET.transpose(0, 1),
                there_BE.T,
                logits_BP,
                match_BP,
            )
        logits_IT, match_IT = logits_BET[:, 0], match_BET[:, 0]
        if s.objective == "sigmoid":
            return objectives.sigmoid(logits_IT + self.bias, match_IT)
        if s.objective == "findings":
            said_IF = torch.from_numpy(batch.said_BEF[:, 0]).to(logits_IT)
            said_TF = torch.from_numpy(batch.said_TF).to(logits_IT)
            agree_IT = objectives.agreement(said_IF, said_TF)
            return objectives.findings(logits_IT, match_IT, agree_IT, soft=s.soft, repel=s.repel)
        return objectives.infonce(logits_IT, match_IT)

    def _reworded(
        self, text_TW: Tensor, names_KW: Tensor | None, batch: Batch
    ) -> tuple[Tensor, Tensor | None]:
        """Features of texts with noise, as if each were said in other words every time.

        An archive says the same few things in the same few words: without noise the projection
        learns these words, with it what lies around them. The spread is that of each feature over
        the texts of the batch. The numbers depend on the seed and the batch alone, so every rank,
        every resumed run and both passes of a cut batch have the same.
        """
        if not self.settings.text_noise:
            return text_TW, names_KW
        rng = np.random.default_rng([self.settings.seed, 17, batch.step])
        spread_W = self.settings.text_noise * text_TW.detach().std(0, correction=0)

        def noisy(features: Tensor) -> Tensor:
            drawn = rng.standard_normal(features.shape, np.float32)
            return features + torch.from_numpy(drawn).to(features) * spread_W

        return noisy(text_TW), None if names_KW is None else noisy(names_KW)

    def _named(self, image_ID: Tensor, names_KW: Tensor, batch: Batch) -> Tensor:
        names_KD = functional.normalize(self.encoder.text(names_KW), dim=-1)
        toward_DK = (names_KD[:-1] - names_KD[-1:]).T
        logits_IK = self.named_log_scale.exp() * image_ID @ toward_DK + self.named_bias
        said_IF = batch.said_BEF[batch.rows_BE >= 0]
        said_IK = torch.from_numpy(said_IF[:, batch.codes_K]).to(logits_IK)
        return objectives.named(logits_IK, said_IK, silent=self.settings.silent)

    def _patients(
        self, image_BEC: Tensor, there_BE: Tensor, text_TW: Tensor, batch: Batch
    ) -> tuple[Tensor, Tensor]:
        """Similarities of patients to the distinct pairs of texts (B, P), and which are true.

        A patient is the mean of the eyes there are, on both sides: no order of eyes exists.
        """
        weight_BE1 = there_BE.unsqueeze(-1).to(image_BEC)
        mean_BC = (image_BEC * weight_BE1).sum(1) / weight_BE1.sum(1)
        pairs, pair_of_B = distinct_pairs(batch.text_BE)
        pairs_PE = torch.from_numpy(pairs).to(image_BEC.device)
        said_PE1 = (pairs_PE >= 0).unsqueeze(-1).to(text_TW)
        mean_PW = (text_TW[pairs_PE.clamp(min=0)] * said_PE1).sum(1) / said_PE1.sum(1)
        image_BD = functional.normalize(self.patient_image(mean_BC), dim=-1)
        text_PD = functional.normalize(self.patient_text(mean_PW), dim=-1)
        match_BP = functional.one_hot(torch.from_numpy(pair_of_B), len(pairs)).to(image_BD)
        return self.encoder.scale * image_BD @ text_PD.T, match_BP

    def _health(
        self,
        image_BED: Tensor,
        text_TD: Tensor,
        logits_BET: Tensor,
        match_BET: Tensor,
        there_BE: Tensor,
    ) -> dict[str, float]:
        image_ID, match_IT = image_BED[there_BE], match_BET[there_BE]
        return {
            "recall_at_1": health.recall_at_1(logits_BET[there_BE], match_IT),
            "alignment": health.alignment(image_ID, text_TD, match_IT),
            "uniformity": health.uniformity(image_ID),
            "temperature": float(self.encoder.scale),
        }


class _Projections(nn.Module):
    """The encoder's own projections and scale, without its towers."""

    def __init__(self, encoder: DualEncoder) -> None:
        super().__init__()
        self.image = encoder.image_projection
        self.text = encoder.text_projection
        self.log_scale = encoder.log_scale
        self._encoder = [encoder]  # in a list: its towers are no part of this module

    @property
    def scale(self) -> Tensor:
        return self._encoder[0].scale


def distinct_pairs(text_BE: Ints) -> tuple[Ints, Ints]:
    """The distinct unordered pairs of texts (P, 2), -1 for none, and which one each unit has."""
    pairs, place = np.unique(np.sort(text_BE, axis=1), axis=0, return_inverse=True)
    return pairs, place.reshape(-1)

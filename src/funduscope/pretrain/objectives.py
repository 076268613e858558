"""Losses: small pure functions, formula and source in the docstring.

Shapes: I photographs, T distinct captions, B patients, E eyes, P distinct patient texts, F codes of
the vocabulary. `logits_IT` are similarities of photographs (rows) and captions (columns), already
scaled (and for `sigmoid` shifted); `match_IT` is 1 where a caption is true of a photograph, else 0.
A caption is one column however many photographs it is true of: in an archive half of the reports
say the same thing, and the same words must never push each other away. All losses are in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def infonce(logits_IT: Tensor, match_IT: Tensor, weight_I: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE with every true match a positive.

    CLIP (Radford et al., ICML 2021) takes one positive a row; here each row's target is spread
    evenly over its true matches (as UniCL, Yang et al., CVPR 2022):

        L = 1/2 [mean_i -sum_t p_it log softmax_t(logits_it)]
          + 1/2 [sum_t w_t -sum_i q_it log softmax_i(logits_it)]

    with p, q the match matrix normalized over rows and columns, and w_t = mean_i p_it the share of
    the batch that falls on caption t. With all captions distinct this is CLIP's loss.

    Args:
        logits_IT: scaled similarities, finite.
        match_IT: 1 where the caption is true of the photograph; every row that counts has a 1.
        weight_I: how often each photograph counts (None: once each). 0 is as if it were not there:
            a caption of its own is then a negative for the others and has no term of its own.
    """
    rows_IT = _spread(match_IT, 1)
    if weight_I is None:
        weight_I = torch.ones_like(logits_IT[:, 0])
    weight_I = weight_I.to(logits_IT.dtype)
    columns_IT = _spread(weight_I[:, None] * match_IT, 0)
    return _both_ways(logits_IT, rows_IT, columns_IT, logits_IT.new_ones(1, 1), weight_I)


def sigmoid(logits_IT: Tensor, match_IT: Tensor) -> Tensor:
    """SigLIP (Zhai et al., ICCV 2023) with every true pair a positive.

        L = -1/I sum_i sum_t log sigmoid(z_it logits_it),   z_it = +1 for a match, else -1

    Each pair is its own yes-or-no question, so there is no softmax in which equal captions could
    compete. The sum is divided by the number of photographs, as in the paper. A caption that many
    photographs share stays one column: each photograph keeps about one positive against T - 1
    negatives, the balance for which the bias of -10 is made (repeated columns would give a frequent
    caption its count squared). With all captions distinct this is SigLIP's loss.

    Args:
        logits_IT: scale x cosine + bias; the paper starts at a scale of 10 and a bias of -10.
        match_IT: 1 where the caption is true of the photograph.
    """
    return -functional.logsigmoid((2 * match_IT - 1) * logits_IT).sum() / logits_IT.shape[0]


def agreement(said_IF: Tensor, said_TF: Tensor) -> Tensor:
    """How far two texts tell of the same findings: 1 the same, -1 the opposite, 0 unrelated.

    A signed Jaccard index with weights (Ruzicka), over the codes f that at least one side states or
    suspects (our own; the idea that known findings should soften the negatives is that of
    ViLReF, arXiv 2408.10894, and FLAIR, arXiv 2308.07898):

        a_it = sum_f sign(s_if s_tf) min(|s_if|, |s_tf|) / sum_f max(|s_if|, |s_tf|)

    - the same finding present on both sides attracts, a suspicion half as much;
    - a finding present on one side and denied on the other repels, a suspected one half as much;
    - a finding present on one side on which the other is silent only dilutes;
    - a finding denied by one or both and stated by none says nothing: reports deny what the reader
      happened to look for. Two texts that state nothing have 0.

    Args:
        said_IF: +1 present, +0.5 uncertain, -1 absent, 0 silent; no other values.
        said_TF: the same of the captions.

    Returns:
        (I, T) in [-1, 1]; 1 for equal rows in which something is present or suspected.
    """
    named_I, named_T = (said_IF > 0).to(said_IF.dtype), (said_TF > 0).to(said_TF.dtype)
    sure_I, sure_T = (said_IF == 1).to(said_IF.dtype), (said_TF == 1).to(said_TF.dtype)
    denied_I, denied_T = (said_IF < 0).to(said_IF.dtype), (said_TF < 0).to(said_TF.dtype)
    # Matrix products instead of an (I, T, F) array: a word counts 1/2 for being named and 1/2 for
    # being sure, and the minimum of two such sums is the sum of the products.
    weight_I, weight_T = (named_I + sure_I) / 2, (named_T + sure_T) / 2
    shared_IT = (named_I @ named_T.T + sure_I @ sure_T.T) / 2
    against_IT = weight_I @ denied_T.T + denied_I @ weight_T.T
    # The larger weight of each code: both weights less the smaller; a denial of a doubt is 1.
    doubted_IT = (named_I - weight_I) @ denied_T.T + denied_I @ (named_T - weight_T).T
    all_IT = weight_I.sum(1)[:, None] + weight_T.sum(1) - shared_IT + doubted_IT
    return (shared_IT - against_IT) / all_IT.clamp(min=0.5)  # 0 where nothing is named, else >= 0.5


def findings(
    logits_IT: Tensor, match_IT: Tensor, agreement_IT: Tensor, *, soft: float, repel: float
) -> Tensor:
    """InfoNCE whose targets and negatives know what both reports say.

    With a+ and a- the positive and negative part of the agreement, a = 1 for matches:

        target  p_it = (1 - soft) match_it / sum_t match_it + soft a+_it / sum_t a+_it
        push    v_it = 1 - soft a+_it + repel a-_it   (1 for matches)
        row     -sum_t p_it log(exp(logits_it) / sum_u v_iu exp(logits_iu))

    and the same over columns, weighed and averaged as in `infonce`. Captions with the same findings
    attract, partly agreeing ones are pushed less, conflicting ones (a finding present here, denied
    there) more. soft = repel = 0 is `infonce`. The formula is ours; soft targets by known labels:
    FLAIR (arXiv 2308.07898); weighing how fast pairs are pushed apart: ViLReF (arXiv 2408.10894).

    Args:
        logits_IT: scaled similarities, finite.
        match_IT: 1 where the caption is true of the photograph; every row and column has a 1.
        agreement_IT: of `agreement`, in [-1, 1].
        soft: share of the target given to agreement, 0 <= soft < 1: at 1 a pair that agrees fully
            would attract without limit.
        repel: how much more a full conflict is pushed, >= 0; 1 counts it twice.
    """
    agreement_IT = torch.where(match_IT > 0, 1.0, agreement_IT)
    alike_IT, against_IT = agreement_IT.clamp(min=0), (-agreement_IT).clamp(min=0)
    push_IT = torch.where(match_IT > 0, 1.0, 1 - soft * alike_IT + repel * against_IT)
    rows_IT, columns_IT = (
        (1 - soft) * _spread(match_IT, dim) + soft * _spread(alike_IT, dim) for dim in (1, 0)
    )
    return _both_ways(logits_IT, rows_IT, columns_IT, push_IT, torch.ones_like(logits_IT[:, 0]))


def named(logits_IK: Tensor, said_IK: Tensor, *, silent: float) -> Tensor:
    """Is this finding there? asked of every eye for every finding's name, from the reports alone.

        L = sum_ik w_ik BCE(sigmoid(logits_ik), [said_ik = 1]) / sum_ik w_ik

    with weight 1 where the report states or denies the finding, `silent` where it does not mention
    it, 0 where it doubts it. Zero-shot scoring asks this very question, of a name against "normal
    fundus"; a contrast over captions asks it only of the texts of the batch. Names of labels as
    texts are the idea of FLAIR (arXiv 2308.07898); here reports take the place of labels.

    Args:
        logits_IK: scaled similarity of each photograph to each name, less that to "normal".
        said_IK: 1 present, 0.5 uncertain, -1 absent, 0 silent.
        silent: weight from 0 to 1; above 0 and below 1 since a report lists what was looked for.
    """
    weight_IK = (said_IK.abs() == 1) + silent * (said_IK == 0)
    truth_IK = (said_IK == 1).to(logits_IK.dtype)
    asked_IK = functional.binary_cross_entropy_with_logits(logits_IK, truth_IK, reduction="none")
    return (asked_IK * weight_IK).sum() / weight_IK.sum().clamp(min=1e-9)


def patient(
    logits_EBT: Tensor, match_EBT: Tensor, present_EB: Tensor, logits_BP: Tensor, match_BP: Tensor
) -> Tensor:
    """Both eyes and the patient against the report (RET-CLIP, arXiv 2405.14137).

        L = mean of infonce(left eyes), infonce(right eyes), infonce(patients)

    Each term sees same-text positives and only the eyes that are there: a missing eye has no term,
    no gradient, and is nobody's negative. An eye that the whole batch lacks takes its term with it.
    Both eyes are treated alike, so that swapping them everywhere leaves the loss as it is.

    Args:
        logits_EBT: scaled similarities of each eye of each patient with the texts of eyes; any
            finite number for a missing eye.
        match_EBT: 1 where the text is true of the eye.
        present_EB: 1 (or True) where the eye was photographed.
        logits_BP: scaled similarities of patients with the texts of patients.
        match_BP: 1 where the text is true of the patient.
    """
    terms = [infonce(logits_BP, match_BP)]
    for logits_BT, match_BT, present_B in zip(logits_EBT, match_EBT, present_EB, strict=True):
        if present_B.any():
            terms.append(infonce(logits_BT, match_BT, present_B))
    return torch.stack(terms).mean()


def distill(student_logits_IT: Tensor, teacher_logits_IT: Tensor, temperature: float) -> Tensor:
    """Affinity mimicking (TinyCLIP, Wu et al., ICCV 2023): the student ranks as the teacher does.

        L = 1/2 [mean_i CE(softmax_t(teacher / tau), softmax_t(student / tau))]
          + 1/2 [mean_t CE(softmax_i(teacher / tau), softmax_i(student / tau))]

    Args:
        student_logits_IT: scaled similarities of the student.
        teacher_logits_IT: of the teacher for the same photographs and captions; no gradient flows.
        temperature: tau > 0 by which both are divided; above 1 shows more of the weak similarities.

    Returns:
        The cross-entropy; its smallest value is the entropy of the teacher, not 0.
    """
    student_IT, teacher_IT = (
        student_logits_IT / temperature,
        teacher_logits_IT.detach() / temperature,
    )
    to_text, to_image = (
        -(teacher_IT.softmax(dim) * student_IT.log_softmax(dim)).sum(dim).mean() for dim in (1, 0)
    )
    return (to_text + to_image) / 2


def _spread(x_IT: Tensor, dim: int) -> Tensor:
    """Shares along a dimension; zeros where there is nothing to share."""
    return x_IT / x_IT.sum(dim, keepdim=True).clamp(min=torch.finfo(x_IT.dtype).tiny)


def _both_ways(
    logits_IT: Tensor, rows_IT: Tensor, columns_IT: Tensor, push_IT: Tensor, weight_I: Tensor
) -> Tensor:
    """Half the mean over photographs of their terms, half that over captions by their share."""
    share_T = weight_I @ rows_IT / weight_I.sum()
    to_text_I = _cross_entropy(logits_IT, rows_IT, push_IT, 1)
    to_image_T = _cross_entropy(logits_IT, columns_IT, weight_I[:, None] * push_IT, 0)
    return (weight_I @ to_text_I / weight_I.sum() + share_T @ to_image_T) / 2


def _cross_entropy(logits_IT: Tensor, target_IT: Tensor, push_IT: Tensor, dim: int) -> Tensor:
    """-sum target log(exp(logits) / sum push exp(logits)) along a dimension."""
    total = (logits_IT + push_IT.log()).logsumexp(dim, keepdim=True)
    return target_IT.sum(dim) * total.squeeze(dim) - (target_IT * logits_IT).sum(dim)

"""The ranking loss of a batch against numbers by hand and against another implementation."""

from __future__ import annotations

import math

import pytest


def test_the_loss_by_hand() -> None:
    import torch

    from portside.training.contrastive_loss import masked_ranking_loss

    anchors, partners = torch.eye(2), torch.eye(2)
    none = torch.zeros(2, 2, dtype=torch.bool)
    plain = math.log(1 + math.exp(-1))  # likeness 1 to the own partner, 0 to the other
    assert float(masked_ranking_loss(anchors, partners, none, temperature=1.0)) == pytest.approx(plain)
    # A further negative that is like the first anchor counts in one direction only.
    others = torch.tensor([[1.0, 0.0]])
    wide = torch.zeros(2, 3, dtype=torch.bool)
    forth = (math.log(2 + math.exp(-1)) + math.log(1 + 2 * math.exp(-1))) / 2
    found = masked_ranking_loss(anchors, partners, wide, temperature=1.0, others=others)
    assert float(found) == pytest.approx((forth + plain) / 2)
    wide[:, 2] = True
    found = masked_ranking_loss(anchors, partners, wide, temperature=1.0, others=others)
    assert float(found) == pytest.approx(plain)


def test_a_masked_partner_does_not_count() -> None:
    import torch

    from portside.training.contrastive_loss import masked_ranking_loss

    anchors = torch.eye(3)
    partners = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]])
    none = torch.zeros(3, 3, dtype=torch.bool)
    masked = none.clone()
    masked[0, 1] = True
    plain = masked_ranking_loss(anchors, partners, none, temperature=0.1)
    assert masked_ranking_loss(anchors, partners, masked, temperature=0.1) < plain


@pytest.mark.slow
def test_the_loss_without_masks_is_that_of_sentence_transformers() -> None:
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from torch.nn.functional import normalize

    from portside.training.contrastive_loss import masked_ranking_loss

    generator = torch.Generator().manual_seed(3)
    anchors, partners = (normalize(torch.randn(6, 8, generator=generator), dim=1) for _ in range(2))
    theirs = MultipleNegativesRankingLoss(
        model=torch.nn.Identity(),
        scale=20.0,
        directions=("query_to_doc", "doc_to_query"),
        partition_mode="per_direction",
    ).compute_loss_from_embeddings([anchors, partners], None)
    ours = masked_ranking_loss(anchors, partners, torch.zeros(6, 6, dtype=torch.bool), temperature=0.05)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)

"""What is left out and hidden of a text: always legal, at the rate asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

START, END, PAD, MASK = 1, 2, 0, 3


def batch(lengths: list[int]) -> tuple[Any, Any, Any]:
    """Texts of ascending ids between START and END, their mask, and where those two stand."""
    import torch

    width = max(lengths) + 2
    ids = torch.full((len(lengths), width), PAD)
    for row, length in enumerate(lengths):
        ids[row, : length + 2] = torch.tensor([START, *range(10, 10 + length), END])
    return ids, (ids != PAD).long(), (ids == START) | (ids == END)


lists_of_lengths = st.lists(st.integers(min_value=1, max_value=12), min_size=1, max_size=5)


@given(lengths=lists_of_lengths, share=st.floats(min_value=0.01, max_value=0.99), seed=st.integers(0, 999))
def test_what_deletion_leaves_is_a_part_of_the_text_in_its_order(lengths: list[int], share: float, seed: int) -> None:
    import torch

    from portside.training.corruption import delete_tokens

    torch.manual_seed(seed)
    ids, mask, fixed = batch(lengths)
    left, kept = delete_tokens(ids, mask, fixed, share=share, pad_id=PAD)
    assert left.shape == kept.shape
    assert kept[:, -1].any(), "no column of padding only"
    for row, length in zip(range(len(lengths)), lengths, strict=True):
        text = left[row][kept[row].bool()].tolist()
        assert (text[0], text[-1]) == (START, END)
        inner = text[1:-1]
        assert 1 <= len(inner) <= length
        assert inner == sorted(set(inner))
        assert left[row][len(text) :].eq(PAD).all()


@given(lengths=lists_of_lengths, share=st.floats(min_value=0.01, max_value=0.99), seed=st.integers(0, 999))
def test_only_words_are_hidden_and_at_least_one_a_text(lengths: list[int], share: float, seed: int) -> None:
    import torch

    from portside.training.corruption import hide_tokens

    torch.manual_seed(seed)
    ids, mask, fixed = batch(lengths)
    spoilt, chosen = hide_tokens(ids, mask, fixed, share=share, mask_id=MASK, vocabulary=50)
    assert chosen.any(dim=1).all()
    assert not chosen[fixed].any()
    assert not chosen[mask == 0].any()
    assert spoilt[~chosen].equal(ids[~chosen])


@pytest.mark.parametrize("share", [0.15, 0.6])
def test_the_rates_are_those_asked_for(share: float) -> None:
    import torch

    from portside.training.corruption import delete_tokens, hide_tokens

    torch.manual_seed(0)
    ids, mask, fixed = batch([400] * 100)  # 40,000 words: the standard error is below 0.3 points
    left, kept = delete_tokens(ids, mask, fixed, share=share, pad_id=PAD)
    words = left[0][kept[0].bool()][1:-1].tolist()
    assert words == sorted(words)
    assert 1 - (kept.sum() - 200).item() / 40_000 == pytest.approx(share, abs=0.01)
    spoilt, chosen = hide_tokens(ids, mask, fixed, share=share, mask_id=MASK, vocabulary=100_000)
    assert chosen.sum().item() / 40_000 == pytest.approx(share, abs=0.01)
    shown = (spoilt == MASK).sum() / chosen.sum()
    same = (spoilt == ids)[chosen].sum() / chosen.sum()
    assert (shown.item(), same.item()) == pytest.approx((0.8, 0.1), abs=0.02)


def test_the_loss_of_a_contrastive_batch_by_hand() -> None:
    import torch

    from portside.training.adaptation_network import contrastive_loss

    first, second = torch.tensor([[2.0, 0.0], [0.0, 5.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # Cosine 1 with its partner and 0 with the other, divided by 1/2.
    expected = -torch.tensor(2.0).exp().div(torch.tensor(2.0).exp() + 1).log()
    assert contrastive_loss(first, second, temperature=0.5).item() == pytest.approx(expected.item())
    swapped = contrastive_loss(first, second.flip(0), temperature=0.5)
    assert swapped.item() == pytest.approx(2 + expected.item())


def test_every_text_counts_the_same_in_the_loss_however_long() -> None:
    import torch

    from portside.training.adaptation_network import mean_by_text

    asked = torch.tensor([[True, True, True], [False, True, False]])
    losses = torch.tensor([1.0, 2.0, 3.0, 8.0])
    assert mean_by_text(losses, asked).item() == pytest.approx((2.0 + 8.0) / 2)
    parts = (mean_by_text(losses[:3], asked[:1]) + mean_by_text(losses[3:], asked[1:])) / 2
    assert parts.item() == pytest.approx(5.0)

from __future__ import annotations

from pathlib import Path

from portside.training.seen import load_seen, save_seen


def test_texts_are_known_again_whatever_their_case_and_spacing(tmp_path: Path) -> None:
    save_seen(tmp_path, ["Where is my card?", "where  is my CARD?", "\ud83d broken", ""])
    seen = load_seen(tmp_path)
    assert seen is not None
    assert seen(" where is my card? ")
    assert seen("\ud83d broken")
    assert not seen("where is my parcel?")


def test_a_folder_without_the_file_does_not_tell(tmp_path: Path) -> None:
    assert load_seen(tmp_path) is None
    (tmp_path / "training_texts.safetensors").write_bytes(b"broken")
    assert load_seen(tmp_path) is None

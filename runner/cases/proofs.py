"""Proof files: what somebody attaches to an attest, kept under the hash of its bytes, so that it can't change unseen."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.core.errors import EnvironmentProblem, UsageError
from runner.core.files import replace_file

LARGEST: Final = 20_000_000  # bytes
_BEGINNINGS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OFFICE: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_TEXTS: Final = {"txt": "text/plain", "csv": "text/csv", "eml": "message/rfc822", "log": "text/plain"}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_EXPECTED: Final = "a PDF, PNG, JPEG, GIF or WebP picture, .xlsx, .docx, .eml, or plain text"


@dataclass(frozen=True, slots=True)
class Proof:
    """A file that was kept: the SHA-256 of its bytes, the name it came under, its media type by content, its size."""

    sha256: str
    name: str
    type: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """As it stands in the act."""
        return {"sha256": self.sha256, "name": self.name, "type": self.type, "size": self.size}


def keep_proof(folder: Path, name: str, content: bytes) -> Proof:
    """Store a file in `folder` under the hash of its bytes; the same bytes twice are one file.

    It is on the disk when this returns, whole or not at all. Raises UsageError: PROOF_EMPTY, PROOF_SIZE, PROOF_TYPE
    (judged by the bytes, not by the name).
    """
    if not content:
        raise UsageError("the file is empty", expected=_EXPECTED, where=name, code="PROOF_EMPTY")
    if len(content) > LARGEST:
        raise UsageError(
            f"the file has {len(content):,} bytes",
            expected=f"at most {LARGEST:,} bytes",
            hint="attach the page that proves it, not the whole document",
            where=name,
            code="PROOF_SIZE",
        )
    proof = Proof(hashlib.sha256(content).hexdigest(), _clean(name), _type_of(name, content), len(content))
    target = _place(folder, proof.sha256)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(target, content)
    return proof


def read_proof(folder: Path, sha256: str) -> bytes:
    """The bytes of a kept file. Raises EnvironmentProblem where it is gone, or is not what was kept."""
    fault = proof_fault(folder, sha256)
    if fault:
        raise EnvironmentProblem(
            fault,
            expected="the file as it was attached",
            hint="restore it from a backup",
            code="PROOF_DAMAGED",
        )
    return _place(folder, sha256).read_bytes()


def proof_fault(folder: Path, sha256: str) -> str:
    """What is wrong with a kept file; empty where it is what it was."""
    if not _SHA256.fullmatch(sha256):
        return f"'{sha256[:80]}' is not the hash of a proof"
    path = _place(folder, sha256)
    if not path.is_file():
        return f"its proof {sha256[:12]}… is gone"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return "" if found == sha256 else f"its proof {sha256[:12]}… is not what was attached"


def _place(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def _clean(name: str) -> str:
    """The last part of a name, without anything that a file system or a header could take for more than a name."""
    plain = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(sign for sign in plain if unicodedata.category(sign)[0] != "C" and sign not in '"<>|:*?')
    return shown.strip(" .")[-120:] or "proof"


def _type_of(name: str, content: bytes) -> str:
    ending = name.rpartition(".")[2].lower()
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if ending in _OFFICE and content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content:
        return _OFFICE[ending]
    if ending in _TEXTS and _is_text(content):
        return _TEXTS[ending]
    raise UsageError(
        "the file is of a kind that is not kept as proof",
        expected=_EXPECTED,
        hint="make a screenshot or a PDF of it",
        where=name,
        code="PROOF_TYPE",
    )


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(ord(sign) < 32 and sign not in "\t\r\n\f" for sign in text)

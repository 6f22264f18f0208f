"""Finds folders on network shares, where SQLite's locks and shared memory do not protect a gallery."""

from __future__ import annotations

import sys
from pathlib import Path

from stream.errors import GalleryError

__all__ = ["MOUNTS", "refuse_network_share"]

MOUNTS = Path("/proc/self/mountinfo")
_SHARED = {
    "afs", "beegfs", "ceph", "cifs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
    "smb3", "smbfs", "fuse.davfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
}  # fmt: skip
"""File systems that several machines mount at once, by the names of Linux."""


def refuse_network_share(path: Path, mounts: Path | None = None) -> None:
    """Checks where a gallery is, or would be made.

    Args:
        path: the gallery; it need not exist.
        mounts: the table of mounted file systems, as Linux writes it; None is `MOUNTS`. Without that file,
            only Windows' names of shares are known.

    Raises:
        GalleryError: it is on a network share.
    """
    where = path.resolve()
    kind = (
        "Windows"
        if sys.platform == "win32" and where.drive.startswith("\\\\")
        else _kind(where, mounts or MOUNTS)
    )
    if kind is not None:
        msg = (
            f"{path} is on a network share ({kind}), which does not support shared databases; use a "
            "folder on a local disk"
        )
        raise GalleryError(msg)


def _kind(where: Path, mounts: Path) -> str | None:
    """Returns the file system of the innermost mount point above a path, if it is a network share."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    found, depth = "", -1
    for line in lines:
        fields, _, after = line.partition(" - ")
        point = Path(_unescaped(fields.split(" ")[4])) if fields.count(" ") > 4 else None
        # Of several mounts on one point, the last one hides the others.
        if point is not None and (point == where or point in where.parents) and len(point.parts) >= depth:
            found, depth = after.split(" ")[0], len(point.parts)
    return found if found in _SHARED else None


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text

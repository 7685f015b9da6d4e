"""Whether a folder lies on a network file system, where SQLite's WAL must not be used."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "glusterfs",
    "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "pvfs2", "smb2", "smb3", "smbfs",
}  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def filesystem_type(path: PurePath, mountinfo: str) -> str | None:
    """The type of the file system that holds an absolute path, as `mountinfo` tells (proc(5))."""
    best: tuple[int, str] | None = None
    for line in mountinfo.splitlines():
        mount, _, filesystem = line.partition(" - ")
        fields = mount.split()
        kind = filesystem.split(maxsplit=1)
        if len(fields) < 5 or not kind:
            continue
        point = PurePath(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        # Of several mounts on one point, the last one covers the others.
        if path.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), kind[0]
    return best[1] if best else None


def is_network(path: Path) -> bool:
    """Whether `path` lies on a network file system, as far as the system tells."""
    try:
        mountinfo = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return filesystem_type(path.resolve(), mountinfo) in _NETWORK

"""Files that appear whole or not at all."""
import os
import tempfile
from pathlib import Path

from analysis.input_error import InputError


def write_whole(path, save):
    """Calls save(binary file) on a file beside `path`, which then takes its place. Throws InputError."""
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            save(file)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; make {path.parent} writable") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return path


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask

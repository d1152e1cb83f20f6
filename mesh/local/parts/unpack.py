"""Unpacks a wheel with the file modes it was built with: unpack.py WHEEL FOLDER."""

import os
import sys
import zipfile

wheel, folder = sys.argv[1:3]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        path = archive.extract(entry, folder)
        mode = (entry.external_attr >> 16) & 0o777
        if mode and not entry.is_dir():
            os.chmod(path, mode | 0o444)

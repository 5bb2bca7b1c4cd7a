# SPDX-License-Identifier: Apache-2.0
"""Decompresses load bodies; what is cut short or trailing is an error."""

import bz2
import zlib

NAMES = {"GZIP": "gzip", "BZIP2": "bzip2", "LZ4_FRAME": "lz4", "ZSTD": "zstd",
         "DEFLATE": "deflate", "ZLIB": "zlib"}


class CompressionError(Exception):
    pass


def finish(data, done, rest, name):
    if not done:
        raise CompressionError("Fail to decompress %s: cut short" % name)
    if rest:
        raise CompressionError("Fail to decompress %s: trailing bytes" % name)
    return data


def with_zlib(data, bits, name):
    out = []
    while data:
        worker = zlib.decompressobj(bits)
        try:
            out.append(worker.decompress(data))
        except zlib.error as error:
            raise CompressionError("Fail to decompress %s: %s"
                                   % (name, error)) from None
        if not worker.eof:
            raise CompressionError("Fail to decompress %s: cut short" % name)
        data = worker.unused_data
    return b"".join(out)


def with_bzip2(data):
    out = []
    while data:
        worker = bz2.BZ2Decompressor()
        try:
            out.append(worker.decompress(data))
        except OSError as error:
            raise CompressionError("Fail to decompress bzip2: %s"
                                   % error) from None
        if not worker.eof:
            raise CompressionError("Fail to decompress bzip2: cut short")
        data = worker.unused_data
    return b"".join(out)


def with_lz4(data):
    import lz4.frame
    out = []
    while data:
        worker = lz4.frame.LZ4FrameDecompressor()
        try:
            out.append(worker.decompress(data))
        except RuntimeError as error:
            raise CompressionError("Fail to decompress lz4: %s"
                                   % error) from None
        if not worker.eof:
            raise CompressionError("Fail to decompress lz4: cut short")
        data = worker.unused_data or b""
    return b"".join(out)


def with_zstd(data):
    import zstandard
    out = []
    while data:
        worker = zstandard.ZstdDecompressor().decompressobj()
        try:
            out.append(worker.decompress(data))
        except zstandard.ZstdError as error:
            raise CompressionError("Fail to decompress zstd: %s"
                                   % error) from None
        if not worker.eof:
            raise CompressionError("Fail to decompress zstd: cut short")
        data = worker.unused_data
    return b"".join(out)


def decompress(name, data):
    """`name` is one of the values of NAMES."""
    if name == "gzip":
        return with_zlib(data, 31, name)
    if name == "deflate":
        return with_zlib(data, -15, name)
    if name == "zlib":
        return with_zlib(data, 15, name)
    if name == "bzip2":
        return with_bzip2(data)
    return with_lz4(data) if name == "lz4" else with_zstd(data)

# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of its own for one test run."""

import os
import subprocess


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Authority:
    """A CA in a folder; issues server certificates for host names and addresses."""

    def __init__(self, folder, name="ezcdc test authority"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        if self.certificate.exists():
            return
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-keyout", self._key,
                 "-out", self.certificate,
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, label, names=("localhost",), addresses=("127.0.0.1",),
              usage="serverAuth"):
        """Returns (certificate, key) paths; the names become subjectAltNames."""
        certificate = self.folder / f"{label}.pem"
        key = self.folder / f"{label}.key"
        if certificate.exists():
            return certificate, key
        request = self.folder / f"{label}.csr"
        extensions = self.folder / f"{label}.ext"
        alternatives = [f"DNS:{name}" for name in names]
        alternatives += [f"IP:{address}" for address in addresses]
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\n"
            "keyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={usage}\n"
            + (f"subjectAltName={','.join(alternatives)}\n"
               if alternatives else ""))
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={label}",
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate,
                 "-CAkey", self._key, "-set_serial", f"0x{os.urandom(8).hex()}",
                 "-days", "30", "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o600)
        return certificate, key

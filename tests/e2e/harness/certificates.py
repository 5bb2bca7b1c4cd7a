# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities for one test run, and what they can do wrong."""

import os
import ssl
import subprocess


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


# What "openssl ca" keeps its books by.
BOOKS = """\
[ca]
default_ca = books
[books]
database = {folder}/index.txt
rand_serial = yes
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
unique_subject = no
policy = names
[names]
commonName = supplied
"""
LONG_AGO = ("20200101000000Z", "20200201000000Z")


def fingerprint(certificate):
    """SHA-256 of a PEM file's first certificate, as ezcdc prints it."""
    import hashlib
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        certificate.read_text())).hexdigest()


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
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                 "-subj", f"/CN={name}", "-keyout", self._key,
                 "-out", self.certificate,
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _request(self, label, names, addresses, usage,
                 algorithm=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """(request, its key, the extensions to grant)"""
        key = self.folder / f"{label}.key"
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
        _openssl("req", "-new", "-newkey", *algorithm, "-nodes",
                 "-subj", f"/CN={label}", "-keyout", key, "-out", request)
        os.chmod(key, 0o600)
        return request, key, extensions

    def issue(self, label, names=("localhost",), addresses=("127.0.0.1",),
              usage="serverAuth", days=90, **algorithm):
        """Returns (certificate, key) paths; the names become subjectAltNames."""
        certificate = self.folder / f"{label}.pem"
        if certificate.exists():
            return certificate, self.folder / f"{label}.key"
        request, key, extensions = self._request(label, names, addresses, usage,
                                                 **algorithm)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate,
                 "-CAkey", self._key, "-set_serial", f"0x{os.urandom(8).hex()}",
                 "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key

    def issue_expired(self, label):
        """As issue, but what is issued was good for a month of 2020."""
        return self.issue_between(label, *LONG_AGO)

    def issue_until(self, label, end):
        """As issue, but good until a time (UTC)."""
        return self.issue_between(label, LONG_AGO[0],
                                  end.strftime("%Y%m%d%H%M%SZ"))

    def issue_between(self, label, start, end):
        certificate = self.folder / f"{label}.pem"
        request, key, extensions = self._request(label, ("localhost",),
                                                 ("127.0.0.1",), "serverAuth")
        self._ca("-in", request, "-extfile", extensions, "-notext", "-out",
                 certificate, "-startdate", start, "-enddate", end)
        return certificate, key

    def issue_itself(self, label):
        """A certificate that nobody vouches for: signed by its own key."""
        certificate = self.folder / f"{label}.pem"
        request, key, extensions = self._request(label, ("localhost",),
                                                 ("127.0.0.1",), "serverAuth")
        _openssl("x509", "-req", "-in", request, "-signkey", key, "-days", 30,
                 "-extfile", extensions, "-out", certificate)
        return certificate, key

    def revocation_list(self, *certificates):
        """Revokes certificates; returns the path of the list."""
        for certificate in certificates:
            self._ca("-revoke", certificate)
        path = self.folder / "revocations.crl"
        self._ca("-gencrl", "-out", path)
        return path

    def _ca(self, *arguments):
        books = self.folder / "books.conf"
        if not books.exists():
            books.write_text(BOOKS.format(folder=self.folder))
            (self.folder / "index.txt").touch()
        _openssl("ca", "-batch", "-config", books, *arguments)

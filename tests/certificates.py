"""Certificates for tests of TLS, made with openssl."""

import shutil
import subprocess

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def no_openssl():
    """Why there can be no certificates here; None if there can."""
    return None if shutil.which("openssl") else "needs openssl"


def _openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_authority(folder, name):
    """Make NAME.crt and NAME.key in the folder: somebody who signs certificates."""
    subject = "-subj", f"/CN={name}", "-days", "2"
    _openssl(
        folder, "req", "-x509", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.crt", *subject
    )


def lock(folder, name, password):
    """Make NAME.locked of NAME.key: the same key, which needs the password."""
    words = "-aes256", "-passout", f"pass:{password}"
    _openssl(folder, "pkey", "-in", f"{name}.key", *words, "-out", f"{name}.locked")


def make_certificate(folder, name, authority, whose):
    """Make NAME.crt and NAME.key in the folder. whose: as "IP:127.0.0.1" or "DNS:host"."""
    request, extension = f"{name}.csr", folder / f"{name}.ext"
    extension.write_text(f"subjectAltName={whose}\n")
    key = "-keyout", f"{name}.key"
    _openssl(folder, "req", *_KEY, *key, "-out", request, "-subj", f"/CN={name}")
    signer = "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial"
    made = "-out", f"{name}.crt", "-days", "2", "-extfile", extension.name
    _openssl(folder, "x509", "-req", "-in", request, *signer, *made)

"""Licences as the cards of the Hugging Face hub name them."""

from __future__ import annotations

# Identifiers that the hub knows (https://huggingface.co/docs/hub/repositories-licenses), of those that models and
# data sets of this kind have.
_KNOWN = frozenset(
    (
        "agpl-3.0",
        "apache-2.0",
        "bigcode-openrail-m",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "gemma",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl-3.0",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "mit",
        "mpl-2.0",
        "odc-by",
        "openrail",
        "unknown",
        "unlicense",
    )
)


def licence_facts(licence: str) -> dict[str, str]:
    """`license`, and `license_name` where the hub does not know it, for the front matter of a card."""
    known = licence.lower() in _KNOWN
    return {"license": licence.lower()} if known else {"license": "other", "license_name": licence}

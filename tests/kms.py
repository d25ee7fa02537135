"""Callers of the simulated KMS: official clients, and our own root on it."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from fintech.adapters.crypto.kms import KmsRoot, KmsSettings
from fintech.adapters.simulator.kms.permissions import FINTECH, REGION
from fintech.domain.keys.custody import CmkName


@cache  # what takes its time is to read what AWS's services are
def session_of(who: str) -> boto3.session.Session:
    """The credentials of a principal of the simulator's: ``bank`` or ``fintech``."""
    return boto3.session.Session(who, "unchecked", region_name=REGION)


def client_of(who: str, url: str, *, attempts: int = 1, read_timeout_s: float = 2.0) -> Any:
    """boto3's client, as anybody would make it."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(connect_timeout=1, read_timeout=read_timeout_s, retries=retries)
    return session_of(who).client("kms", endpoint_url=url, config=config)


def kms_root(told: dict[str, Any], **settings: Any) -> KmsRoot:
    """Our root on a simulator, by the line that it says when it is ready."""
    mac_keys = {CmkName(pair["cmk"]): pair["mac"] for pair in told["roots"]}
    return KmsRoot(
        KmsSettings(region=REGION, grantee=FINTECH, mac_keys=mac_keys, endpoint_url=told["kms"], **settings),
        session_of("fintech"),
    )

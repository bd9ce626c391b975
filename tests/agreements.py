"""Agreements as two parties come to them over HTTP."""

from typing import Any

from rest_framework.test import APIClient


def agree_over_http(owner: APIClient, partner: APIClient, draft: dict[str, Any]) -> str:
    """Draft, offer, accept, and both signatures; returns the id of the agreement, which is in force."""
    made = owner.post("/api/v1/agreements", draft)
    assert made.status_code == 201, made.content
    url = f"/api/v1/agreements/{made.json()['id']}"
    assert owner.post(f"{url}/offer").status_code == 200
    assert partner.post(f"{url}/accept", {"version": 1}).status_code == 200
    signed = {"version": 1, "text_hash": partner.get(f"{url}/versions").json()["results"][0]["text_hash"]}
    assert partner.post(f"{url}/sign", signed).json()["status"] == "agreed"
    assert owner.post(f"{url}/sign", signed).json()["status"] == "active"
    return str(made.json()["id"])

"""The AWS Price List and EC2's Spot history, as boto3 meets them on the wire."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

PAGE = 2
_EC2 = "http://ec2.amazonaws.com/doc/2016-11-15/"


class _Body(io.BytesIO):
    """An answer's body, read as urllib3 lets it be read."""

    def stream(self, amount: int = 65536, **_: object) -> Iterator[bytes]:
        while part := self.read(amount):
            yield part


@dataclass(kw_only=True)
class PriceServices:
    """Products and Spot records, filtered and served in pages of two.

    Args:
        products: What is on the price list: its attributes, and the price in USD.
        spot: Type, zone, hours ago and price of each change of a Spot price.
        denied: Operations that these credentials may not call.
        asked: The requests' bodies, in order.
    """

    products: list[tuple[Mapping[str, str], float]] = field(default_factory=list)
    spot: list[tuple[str, str, float, float]] = field(default_factory=list)
    denied: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def add(self, kind: str, usd: float, **attributes: str) -> None:
        """Put a product on the list; by default Linux on demand in Ireland."""
        ordinary = {
            "instanceType": kind,
            "regionCode": "eu-west-1",
            "operatingSystem": "Linux",
            "preInstalledSw": "NA",
            "tenancy": "Shared",
            "capacitystatus": "Used",
            "marketoption": "OnDemand",
        }
        self.products.append(({**ordinary, **attributes}, usd))

    def get_products(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer pricing:GetProducts."""
        body = self._note(request)
        if "GetProducts" in self.denied:
            return _answer(request, {"__type": "AccessDeniedException"}, status=400)
        question: dict[str, Any] = json.loads(body)
        wanted = {one["Field"]: one["Value"] for one in question["Filters"]}
        found = [
            json.dumps(_product(attributes, usd))
            for attributes, usd in self.products
            if all(attributes[name] == value for name, value in wanted.items())
        ]
        first = int(question.get("NextToken", "0"))
        page: dict[str, object] = {"PriceList": found[first : first + PAGE]}
        if len(found) > first + PAGE:
            page["NextToken"] = str(first + PAGE)
        return _answer(request, page)

    def spot_history(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer ec2:DescribeSpotPriceHistory."""
        question = parse_qs(self._note(request))
        now = datetime.fromisoformat(question["EndTime"][0])
        first = int(question.get("NextToken", ["0"])[0])
        root = ET.Element("DescribeSpotPriceHistoryResponse", xmlns=_EC2)
        records = ET.SubElement(root, "spotPriceHistorySet")
        for kind, zone, hours_ago, usd in self.spot[first : first + PAGE]:
            item = ET.SubElement(records, "item")
            moment = now.astimezone(UTC) - timedelta(hours=hours_ago)
            for name, text in {
                "instanceType": kind,
                "availabilityZone": zone,
                "spotPrice": str(usd),
                "timestamp": moment.isoformat(),
            }.items():
                ET.SubElement(item, name).text = text
        if len(self.spot) > first + PAGE:
            ET.SubElement(root, "nextToken").text = str(first + PAGE)
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body(ET.tostring(root)))

    def _note(self, request: AWSPreparedRequest) -> str:
        body = request.body
        text = body.decode() if isinstance(body, bytes) else str(body)
        self.asked.append(text)
        return text


def _product(attributes: Mapping[str, str], usd: float) -> dict[str, Any]:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": str(usd)}}
    return {
        "product": {"attributes": dict(attributes)},
        "terms": {"OnDemand": {"a": {"priceDimensions": {"b": dimension}}}},
    }


def _answer(
    request: AWSPreparedRequest, body: Mapping[str, Any], *, status: int = 200
) -> AWSResponse:
    return AWSResponse(request.url, status, HTTPHeaders(), _Body(json.dumps(body).encode()))

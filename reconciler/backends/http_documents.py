"""The document at a server of Terraform's HTTP protocol: fetched and replaced, whole."""

import base64
import hashlib
from typing import Final

from reconciler.backends.http_address import HttpAddress
from reconciler.backends.http_complaints import Complaints
from reconciler.backends.http_document import Document, decode_document, encode_document
from reconciler.backends.http_exchange import Exchange
from reconciler.backends.http_wire import Asked, Question

_ABSENT: Final = frozenset({204, 404})
_NOT_OURS: Final = frozenset({409, 423})


class Documents:
    """What stands at an address, as the server has it."""

    def __init__(self, exchange: Exchange, address: HttpAddress, complaints: Complaints) -> None:
        self._exchange = exchange
        self._address = address
        self._complaints = complaints

    def get(self) -> Document:
        """The document; an empty one where there is none. Raises StateError for one that is not ours."""
        answer = self._exchange.ask(Question(method="GET", url=self._address.address, asked=Asked.AGAIN))
        if answer.status in _ABSENT or (answer.is_success and not answer.body):
            return Document()
        if not answer.is_success:
            raise self._complaints.refused("read", answer)
        return decode_document(answer.body, location=self._address.location)

    def put(self, document: Document, *, claim_id: str) -> bool:
        """Whether the server took `document` under the claim; it did not where another's claim stands.

        Raises OutcomeUnknown, or StateUnavailable with nothing changed.
        """
        body = encode_document(document)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii")
        answer = self._exchange.ask(
            Question(
                method=self._address.update_method,
                url=self._address.address,
                asked=Asked.AT_MOST_ONCE,
                body=body,
                headers={"content-md5": digest},
                lock_id=claim_id,
            )
        )
        if not answer.is_success and answer.status not in _NOT_OURS:
            raise self._complaints.refused("write", answer)
        return answer.is_success

"""Signatures as the Standard Webhooks scheme has them."""

from datetime import UTC, datetime

import pytest

from execution.connectors.forward.signing import BadSecret, headers, key_of

pytestmark = pytest.mark.core


def test_the_schemes_own_vector() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==", False),  # 22 bytes
        ("whsec_" + "A" * 32, True),  # 24 bytes: the fewest
        ("whsec_" + "A" * 28, False),  # 21
        ("whsec_" + "QUFB" * 21 + "QQ==", True),  # 64 bytes: the most
        ("whsec_" + "QUFB" * 22, False),  # 66
        ("whsec_not base64!", False),
        ("", False),
    ],
)
def test_a_secret_is_24_to_64_bytes_in_base64(secret: str, good: bool) -> None:
    if good:
        assert key_of(secret)
        return
    with pytest.raises(BadSecret):
        key_of(secret)

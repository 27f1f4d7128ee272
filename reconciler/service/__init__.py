"""The exam service: the client, the meaning of each response, and the delay before another try.

One call sends at most one request, and every possible response has exactly one meaning.
May import: `model`, `ports`, `service_url`, httpx.
"""

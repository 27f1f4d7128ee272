"""The exam service: its client, its wire format, and when to try again.

Promise: one call sends one request at most, and every answer that a server or proxy may give has one meaning.
May import: `model`, `ports`, `service_url`, httpx.
"""

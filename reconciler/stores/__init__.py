"""Stores of state: files, git, HTTP and object storage. Each keeps bytes: a snapshot and a log.

Promise: a store does not interpret the bytes, and changes them only at the head that the caller names. It is
imported only when a URL names it. Every store passes `reconciler.stores.conformance`.
May import: `model`, `ports`, and each store its own driver.
"""

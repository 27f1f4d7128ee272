"""Stores of state: files, git, HTTP and object storage. Each reads and writes bytes, and has a lock.

Promise: a store does not interpret the bytes, and replaces them only if they are what the writer read. It is
imported only when a URL names it. Every store passes `reconciler.stores.conformance`.
May import: `model`, `ports`, and each store its own driver.
"""

"""Tables, exports of learning platforms and last term's manifests: manifests drafted from them, or compared.

A file becomes rows (`table_file`), rows become exams with places (`rows`), and exams become the text of a
manifest (`manifest_text`) or are compared with declarations (`comparing`). `rollover` edits the text of last
term's manifests. State is not touched.
May import: `model`, `manifest`, `schemas`, `zones`, openpyxl.
"""

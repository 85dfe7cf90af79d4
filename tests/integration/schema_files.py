"""The schemas in docs/schema/, for scripts that check what --json prints."""

import json

from support import source_dir

try:
    import jsonschema
except ImportError:
    jsonschema = None


def problem(tool, document):
    """Why the document is none of this tool, or None."""
    schema = json.loads((source_dir() / "docs" / "schema" / f"{tool}.schema.json").read_text())
    try:
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    except jsonschema.ValidationError as error:
        return f"{error.json_path}: {error.message}"
    return None

"""A `gh api` for the tests: the comments of one pull request are a JSON file, and --jq is judged by gojq as gh does it.

Usage: GH_STATE=FILE GOJQ=PATH gh.py api …
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("api", choices=["api"])
parser.add_argument("place")
parser.add_argument("--method", default="GET")
parser.add_argument("--field")
parser.add_argument("--jq")
parser.add_argument("--paginate", action="store_true")
parser.add_argument("--silent", action="store_true")
called = parser.parse_args()

state = Path(os.environ["GH_STATE"])
comments = json.loads(state.read_text())
place = called.place.removesuffix("?per_page=100")
if not os.environ.get("GH_TOKEN"):
    sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
if called.method == "GET":
    if place != "repos/acme/access/issues/7/comments" or not called.paginate:
        sys.exit(f"gh: Not Found (HTTP 404): {place}")
    # A page for each comment: gh judges every page by itself.
    for comment in comments:
        page = json.dumps([comment])
        subprocess.run([os.environ["GOJQ"], "-r", called.jq], input=page, text=True, check=True)
    sys.exit()
name, _, value = called.field.partition("=")
if name != "body" or not value.startswith("@"):
    sys.exit("gh: Invalid request (HTTP 422)")
body = Path(value[1:]).read_text()
if called.method == "POST" and place == "repos/acme/access/issues/7/comments":
    comments.append({"id": len(comments) + 100, "body": body, "user": {"login": "github-actions[bot]"}})
elif called.method == "PATCH":
    (changed,) = (one for one in comments if place == f"repos/acme/access/issues/comments/{one['id']}")
    changed["body"] = body
else:
    sys.exit(f"gh: Not Found (HTTP 404): {place}")
state.write_text(json.dumps(comments))

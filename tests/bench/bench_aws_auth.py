"""An edit of a large aws-auth map against reading it."""

from __future__ import annotations

from iamrbac.mapping.aws_auth import read
from iamrbac.mapping.edit import edit
from iamrbac.mapping.objects import AwsAuthRow
from tests.bench.measure import Row, best_of, table

ROWS = 3_000
_ROLE = "arn:aws:iam::111122223333:role/r"


def rows() -> list[Row]:
    """Change a third of the rows, remove a third, and add some."""
    data = {
        "mapRoles": "".join(
            f"- rolearn: {_ROLE}{number}\n  username: u{number}\n  groups:\n  - a{number}\n  - b\n"
            for number in range(ROWS)
        )
    }
    wanted = [AwsAuthRow("mapRoles", f"{_ROLE}{number}", "u", ("b", "c")) for number in range(0, ROWS + 300, 3)]
    gone = [f"{_ROLE}{number}" for number in range(1, ROWS, 3)]
    reading, _ = best_of(3, lambda: read(data))
    editing, _ = best_of(3, lambda: edit(data, wanted, gone))
    detail = f"{editing:.2f} s / {reading:.2f} s, {ROWS:,} rows"
    return [Row("edit of aws-auth / reading it", editing / reading, 30, detail)]


if __name__ == "__main__":
    print(table(rows()))

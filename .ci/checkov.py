"""Hold the templates of the audited apps against checkov: `python .ci/checkov.py CHECKOV`.

CHECKOV is its program, which `make checkov` installs apart. A finding without a reason fails, and
so does a reason without a finding. Reasons stand here and not in the templates: a consumer's
template is not the place for the settings of a tool that the consumer may not use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

REASONS = {
    "CKV_AWS_2": "plain HTTP until a certificate is given, within the company's network",
    "CKV_AWS_18": "a bucket of access logs does not log who reads them",
    "CKV_AWS_21": "access logs are written once",
    "CKV_AWS_27": "encrypted by SQS (SqsManagedSseEnabled), which checkov does not look at",
    "CKV_AWS_33": "any principal that is Auto Scaling's own role, says the condition beside it",
    "CKV_AWS_91": "access logs need a bucket of the consumer's; the load balancer is handed out",
    "CKV_AWS_103": "as CKV_AWS_2: with a certificate TLS 1.2 is the least",
    "CKV_AWS_111": "AWS knows none narrower for Session Manager, metrics and network interfaces",
    "CKV_AWS_115": "Functions(reserved_concurrency=...) sets some aside; the account may have none",
    "CKV_AWS_117": "Functions(vpc=...) attaches them; they only call APIs of AWS",
    "CKV_AWS_119": "encrypted with AWS's key; FleetState(encryption_key=...) gives another",
    "CKV_AWS_149": "as CKV_AWS_119, of Secrets Manager",
    "CKV_AWS_158": "as CKV_AWS_119; Encryption(logs=...) gives another",
    "CKV_AWS_173": "variables name a table and schedules, nothing secret",
}


def main() -> int:
    """Run it, print what is found, and return whether anything is not explained."""
    from tests.infra.audited_apps import other_app, reference_app  # noqa: PLC0415  see __main__

    os.environ["CDK_VALIDATION"] = "false"
    found: dict[str, set[str]] = defaultdict(set)
    for make in (reference_app, other_app):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as templates:
            make(Path(folder)).synth()
            for file in Path(folder).glob("*.template.json"):
                Path(templates, file.name).write_text(file.read_text())
            for check, resource in findings(sys.argv[1], templates):
                found[check].add(resource)
    for check in sorted(found):
        reason = REASONS.get(check, "NOT EXPLAINED")
        sys.stdout.write(f"{check} ({len(found[check])}): {reason}\n")
        if check not in REASONS:
            sys.stdout.writelines(f"  {resource}\n" for resource in sorted(found[check]))
    for check in sorted(set(REASONS) - set(found)):
        sys.stdout.write(f"{check}: NOT FOUND any more, and still explained\n")
    return int(set(REASONS) != set(found))


def findings(program: str, templates: str) -> list[tuple[str, str]]:
    """Return the check and the resource of each finding in a folder of templates."""
    options = ["--framework", "cloudformation", "--quiet", "--skip-download", "--output", "json"]
    done = subprocess.run(  # noqa: S603  what was installed for it
        [program, "-d", templates, *options], capture_output=True, text=True, check=False
    )
    results = json.loads(done.stdout)["results"]
    return [(one["check_id"], one["resource"]) for one in results["failed_checks"]]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())

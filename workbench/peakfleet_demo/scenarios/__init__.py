"""Fault scenarios: what each fault does to a deployed fleet, and which promises the fleet keeps.

In: the name of a scenario and a checkout. Out: PASS or FAIL of each promise, JSON and HTML.

| read | module | holds |
|---|---|---|
| 1 | `scenario` | a scenario as a value: demand, faults by minute, assertions |
| 2 | `no_capacity`, `spot`, `broken`, `control` | scenarios: capacity, instances, control |
| 2 | `inputs`, `queues`, `launches` | scenarios: metrics, queues, launches |
| 2 | `hybrid`, `traffic`, `regions` | scenarios: the company's own side, traffic, regions |
| 2 | `inference`, `training` | scenarios: chips, gangs |
| 2 | `matrix`, `faults_page` | the fault matrix: rows in three severities, and their page |
| 3 | `assertions` | promises that several scenarios share |
| 4 | `scenario_run` | the command: deploy a fleet, run its scenarios, write the results |
| 5 | `runner`, `gangs` | one scenario, minute by minute, on a fleet or on a training gang |
| 6 | `environment` | the deployed fleet and the world under it, as faults change it |
| 7 | `measurements` | what is measured in each minute |
| 8 | `instance_agent` | the programs on a gang's instances |
| 9 | `report` | results in a terminal, as JSON and as HTML |
"""

from peakfleet_demo.scenarios.gangs import as_fleet
from peakfleet_demo.scenarios.instance_agent import LAST_STEP
from peakfleet_demo.scenarios.measurements import LAUNCHED, Measurements, Sample
from peakfleet_demo.scenarios.report import document, result_lines, write_page
from peakfleet_demo.scenarios.runner import ScenarioResult, ScenarioRunner
from peakfleet_demo.scenarios.scenario import Assertion, Scenario, steady
from peakfleet_demo.scenarios.scenario_run import CATALOGUE, deployed_runner, run_scenarios

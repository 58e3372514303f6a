"""All that takes bytes from outside, as targets."""

from tests.fuzz.targets.events import TARGETS as EVENTS
from tests.fuzz.targets.files import TARGETS as FILES
from tests.fuzz.targets.gateways import TARGETS as GATEWAYS
from tests.fuzz.targets.links import TARGETS as LINKS
from tests.fuzz.targets.neighbours import TARGETS as NEIGHBOURS
from tests.fuzz.targets.records import TARGETS as RECORDS
from tests.fuzz.targets.rest import TARGETS as REST
from tests.fuzz.targets.texts import TARGETS as TEXTS

ALL = (*TEXTS, *LINKS, *EVENTS, *RECORDS, *GATEWAYS, *NEIGHBOURS, *REST, *FILES)

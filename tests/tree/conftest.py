from tests.tree.signed import here as here
from tests.tree.signed import key as key
from tests.tree.signed import url as url

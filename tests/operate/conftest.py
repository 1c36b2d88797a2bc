from tests.operate.keeping import empty as empty
from tests.operate.keeping import file as file
from tests.operate.keeping import house as house
from tests.operate.keeping import model as model
from tests.support.clusters import open_folder as open_folder
from tests.support.command import catalogue as catalogue

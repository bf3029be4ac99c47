from typing import Final

# Characters of an address, its query string included; the web server itself takes a little more.
LONGEST_ADDRESS: Final = 4000

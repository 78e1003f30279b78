#include "base/country.h"

/* By first letter: every second letter that makes a code with it. */
/* clang-format off */
static const char *const seconds['Z' - 'A' + 1] = {
    ['A' - 'A'] = "DEFGILMOQRSTUWXZ",
    ['B' - 'A'] = "ABDEFGHIJLMNOQRSTVWYZ",
    ['C' - 'A'] = "ACDFGHIKLMNORUVWXYZ",
    ['D' - 'A'] = "EJKMOZ",
    ['E' - 'A'] = "CEGHRST",
    ['F' - 'A'] = "IJKMOR",
    ['G' - 'A'] = "ABDEFGHILMNPQRSTUWY",
    ['H' - 'A'] = "KMNRTU",
    ['I' - 'A'] = "DELMNOQRST",
    ['J' - 'A'] = "EMOP",
    ['K' - 'A'] = "EGHIMNPRWYZ",
    ['L' - 'A'] = "ABCIKRSTUVY",
    ['M' - 'A'] = "ACDEFGHKLMNOPQRSTUVWXYZ",
    ['N' - 'A'] = "ACEFGILOPRUZ",
    ['O' - 'A'] = "M",
    ['P' - 'A'] = "AEFGHKLMNRSTWY",
    ['Q' - 'A'] = "A",
    ['R' - 'A'] = "EOSUW",
    ['S' - 'A'] = "ABCDEGHIJKLMNORSTVXYZ",
    ['T' - 'A'] = "CDFGHJKLMNORTVWZ",
    ['U' - 'A'] = "AGMSYZ",
    ['V' - 'A'] = "ACEGINU",
    ['W' - 'A'] = "FS",
    ['X' - 'A'] = "K",
    ['Y' - 'A'] = "ET",
    ['Z' - 'A'] = "AMW",
};
/* clang-format on */

bool country_is_known(struct str code)
{
    if (code.len != 2 || code.at[0] < 'A' || code.at[0] > 'Z') {
        return false;
    }
    return str_find_char(str_of(seconds[code.at[0] - 'A']), code.at[1], 0) != SIZE_MAX;
}

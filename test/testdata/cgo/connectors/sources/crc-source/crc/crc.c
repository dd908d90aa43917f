#include "crc.h"

#define POLYNOMIAL 0xedb88320u /* bits from the lowest to the highest */

uint32_t crc_of(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < length; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
    }
    return ~crc;
}

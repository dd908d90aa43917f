/* crc.h: the cyclic redundancy check of IEEE 802.3, as gzip and PNG use it. */
#ifndef CRC_H
#define CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc_of returns the checksum of some bytes. It may be called by several threads. */
uint32_t crc_of(const void *bytes, size_t length);

#endif

/* MD5 (RFC 1321) behind OpenSSL's names, so that programs need no libcrypto. An implementation of our own. */
#ifndef CODEM_OPENSSL_MD5_H
#define CODEM_OPENSSL_MD5_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MD5_LONG unsigned int
#define MD5_CBLOCK 64
#define MD5_LBLOCK (MD5_CBLOCK / 4)
#define MD5_DIGEST_LENGTH 16

typedef struct MD5state_st {
    uint32_t state[4];
    uint64_t length;
    unsigned char block[MD5_CBLOCK];
} MD5_CTX;

static inline void codem_md5_block(MD5_CTX *c, const unsigned char *p) {
    static const uint32_t add[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
    static const unsigned char turn[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t word[16], a = c->state[0], b = c->state[1], d = c->state[2], e = c->state[3];
    for (int i = 0; i < 16; i++)
        word[i] = p[4 * i] | (uint32_t)p[4 * i + 1] << 8 | (uint32_t)p[4 * i + 2] << 16 | (uint32_t)p[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        int round = i / 16, from = i;
        uint32_t mix;
        if (round == 0) {
            mix = (b & d) | (~b & e);
        } else if (round == 1) {
            mix = (e & b) | (~e & d), from = 5 * i + 1;
        } else if (round == 2) {
            mix = b ^ d ^ e, from = 3 * i + 5;
        } else {
            mix = d ^ (b | ~e), from = 7 * i;
        }
        mix += a + add[i] + word[from % 16];
        a = e, e = d, d = b;
        b += mix << turn[round][i % 4] | mix >> (32 - turn[round][i % 4]);
    }
    c->state[0] += a, c->state[1] += b, c->state[2] += d, c->state[3] += e;
}

static inline int MD5_Init(MD5_CTX *c) {
    memset(c, 0, sizeof *c);
    c->state[0] = 0x67452301, c->state[1] = 0xefcdab89, c->state[2] = 0x98badcfe, c->state[3] = 0x10325476;
    return 1;
}

static inline int MD5_Update(MD5_CTX *c, const void *data, size_t length) {
    const unsigned char *p = (const unsigned char *)data;
    while (length-- > 0) {
        c->block[c->length++ % MD5_CBLOCK] = *p++;
        if (c->length % MD5_CBLOCK == 0) codem_md5_block(c, c->block);
    }
    return 1;
}

static inline int MD5_Final(unsigned char *md, MD5_CTX *c) {
    uint64_t bits = c->length * 8;
    unsigned char byte = 0x80;
    do {
        MD5_Update(c, &byte, 1);
        byte = 0;
    } while (c->length % MD5_CBLOCK != 56);
    for (int i = 0; i < 8; i++) {
        byte = (unsigned char)(bits >> (8 * i));
        MD5_Update(c, &byte, 1);
    }
    for (int i = 0; i < MD5_DIGEST_LENGTH; i++) md[i] = (unsigned char)(c->state[i / 4] >> (8 * (i % 4)));
    return 1;
}

static inline unsigned char *MD5(const unsigned char *data, size_t length, unsigned char *md) {
    static unsigned char own[MD5_DIGEST_LENGTH];
    MD5_CTX c;
    if (!md) md = own;
    MD5_Init(&c);
    MD5_Update(&c, data, length);
    MD5_Final(md, &c);
    return md;
}

#endif

#ifndef AVS_CNGHTTP2_SHIM_H
#define AVS_CNGHTTP2_SHIM_H

// libnghttp2 1.52 (Debian 12, 1.52.0-1+deb12u3 or newer: earlier builds lack the fixes of ATT-3 and ATT-16).
// The `ssize_t` functions are used; the `...2` variants of 1.61 do not exist here.
#include <nghttp2/nghttp2.h>

#endif

#pragma once
/* Only the reply decoder of hiredis is used; SwiftNIO does the I/O. */
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

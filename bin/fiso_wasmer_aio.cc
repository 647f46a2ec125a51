// fiso-wasmer-aio: flows, targets and apps in one process.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::wasmer_aio_program(argc, argv, "fiso-wasmer-aio"); }

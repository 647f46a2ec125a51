// fiso-flow-wasmer: fiso-flow in which modules may say `runtime: wasmer`.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::flow_wasmer_program(argc, argv, "fiso-flow-wasmer"); }

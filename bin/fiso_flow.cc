// fiso-flow: events in, through WebAssembly, out.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::flow_program(argc, argv, "fiso-flow"); }

// fiso-wasmer-link: fiso-link with apps in the same process.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::wasmer_link_program(argc, argv, "fiso-wasmer-link"); }

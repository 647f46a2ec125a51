// fiso-link: calls of applications out to the services they use.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::link_program(argc, argv, "fiso-link"); }

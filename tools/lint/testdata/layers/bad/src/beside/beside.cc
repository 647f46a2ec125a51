#include "engine/testing/fake_engine.h"

/* counter.h declares the library that native-source is linked with. */
unsigned long counter_next(unsigned long last);
